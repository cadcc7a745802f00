import type { Layer, LayerPair, LayerShape } from "../compress/index.ts";
import type { Table } from "./comparison.ts";
import { inBytes, metric } from "./figures.ts";

const headings = ["layer", "shape", "bits", "MACs", "bytes", "ms"];

/** One table of all layers, before and after; or where no layer of the original is left, one of its own and one of the new. */
export function layersTables(pairs: readonly LayerPair[]): Table[] {
  const [before, after] = (["before", "after"] as const).map((side) => pairs.flatMap((pair) => pair[side] ?? []));
  if (!pairs.some((pair) => pair.before && pair.after)) return [tableOf(before!), tableOf(after!)];
  const rows = pairs.map((pair) => [
    (pair.before ?? pair.after)!.node,
    ...merged(cells(pair.before), cells(pair.after)),
  ]);
  return [{ headings, rows: [...rows, ["all", ...merged(sums(before!), sums(after!))]] }];
}

const tableOf = (layers: readonly Layer[]): Table => ({
  headings,
  rows: [...layers.map((layer) => [layer.node, ...cells(layer)]), ["all", ...sums(layers)]],
});

function cells(layer: Layer | undefined): string[] {
  if (layer === undefined) return headings.slice(1).map(() => "–");
  const { shape, op, bits, macs, bytes, milliseconds } = layer;
  const time = milliseconds === undefined ? "" : milliseconds.toFixed(3);
  return [shape === undefined ? op : shapeText(shape), String(bits), metric(macs), inBytes(bytes), time];
}

function sums(layers: readonly Layer[]): string[] {
  const sum = (of: (layer: Layer) => number): number => layers.reduce((total, layer) => total + of(layer), 0);
  const time = sum(({ milliseconds = 0 }) => milliseconds);
  return ["", "", metric(sum(({ macs }) => macs)), inBytes(sum(({ bytes }) => bytes)), time.toFixed(3)];
}

/** Cells before and after in one, `before /` above `after` where they differ. */
const merged = (before: readonly string[], after: readonly string[]): string[] =>
  before.map((cell, column) => (cell === after[column] ? cell : `${cell} /\n${after[column]}`));

/** Such as `16 → 32, 3×3 at 32×32`: channels, kernel and the picture that goes in. */
function shapeText({ op, inputs, outputs, groups, kernel, strides, size }: LayerShape): string {
  const widths = `${inputs} → ${outputs}`;
  if (op === "MatMul") return size[0] === 1 ? widths : `${widths}, ${size[0]} rows`;
  const stride = Math.max(...strides) === 1 ? "" : ` /${strides[0]}`;
  const grouped = groups === 1 ? "" : `, ${groups} groups`;
  return `${widths}, ${kernel.join("×")}${stride} at ${size.join("×")}${grouped}`;
}
