import type { Layer, LayerPair, LayerShape } from "../compress/index.ts";
import type { Table } from "./comparison.ts";
import { inBytes, metric, significant } from "./figures.ts";

/** The layers of the original and of the compressed network side by side, and their sums. */
export function layersTable(pairs: readonly LayerPair[]): Table {
  const sides = ["before", "after"] as const;
  const rows = pairs.map(({ before, after }) => [(before ?? after)!.node, ...cells(before), ...cells(after)]);
  const sums = sides.flatMap((side) => sumCells(pairs.flatMap((pair) => pair[side] ?? [])));
  return {
    headings: ["layer", ...columns.map((column) => `${column} before`), ...columns.map((column) => `${column} after`)],
    rows: [...rows, ["all", ...sums]],
  };
}

const columns = ["shape", "bits", "MACs", "bytes", "ms"];

function cells(layer: Layer | undefined): string[] {
  if (layer === undefined) return columns.map(() => "");
  const { shape, op, bits, macs, bytes, milliseconds } = layer;
  const time = milliseconds === undefined ? "" : significant(milliseconds);
  return [shape === undefined ? op : shapeText(shape), String(bits), metric(macs), inBytes(bytes), time];
}

function sumCells(layers: readonly Layer[]): string[] {
  const sum = (of: (layer: Layer) => number): number => layers.reduce((total, layer) => total + of(layer), 0);
  const milliseconds = significant(sum(({ milliseconds: time = 0 }) => time));
  return ["", "", metric(sum(({ macs }) => macs)), inBytes(sum(({ bytes }) => bytes)), milliseconds];
}

/** Such as `16 → 32, 3×3 at 32×32`: channels, kernel and the picture that goes in. */
function shapeText({ op, inputs, outputs, groups, kernel, strides, size }: LayerShape): string {
  const widths = `${inputs} → ${outputs}`;
  if (op === "MatMul") return size[0] === 1 ? widths : `${widths}, ${size[0]} rows`;
  const stride = Math.max(...strides) === 1 ? "" : ` /${strides[0]}`;
  const grouped = groups === 1 ? "" : `, ${groups} groups`;
  return `${widths}, ${kernel.join("×")}${stride} at ${size.join("×")}${grouped}`;
}
