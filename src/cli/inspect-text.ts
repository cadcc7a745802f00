import { styleText } from "node:util";
import type { ModelDescription, Shape } from "../onnx/index.ts";
import { metric, percent, points, significant } from "../report/figures.ts";
import { terminalTable } from "../report/tables.ts";
import { describePromise, type Manifest } from "../twin/index.ts";

/** What a twin holds and promises, for a person. */
export function twinText(path: string, manifest: Manifest): string {
  const { preprocessing, labels, confidence, integerForm } = manifest;
  return [
    styleText("bold", path),
    networkTable(manifest),
    ...(integerForm === undefined ? [] : [`integer form, for hardware: ${integerForm.description.file}`]),
    `${labels.length} classes: ${labels.slice(0, 10).join(", ")}${labels.length > 10 ? ", ..." : ""}`,
    `preprocessing ${JSON.stringify(preprocessing)}`,
    `confidence ${confidence.measure}`,
    ...promiseLines(manifest),
    ...(manifest.ladder.length > 0 ? [ladderTable(manifest)] : []),
  ].join("\n");
}

function networkTable({ networks }: Manifest): string {
  return terminalTable({
    headings: ["network", "multiply-adds", "parameters", "bytes", "SHA-256"],
    rows: Object.entries(networks).flatMap(([name, network]) => {
      if (network === undefined) return [];
      const { macs, parameters, bytes, sha256 } = network;
      return [[name, metric(macs), metric(parameters), metric(bytes), sha256.slice(0, 12)]];
    }),
  });
}

function promiseLines({ guarantee, threshold, secondStage, secondThreshold }: Manifest): string[] {
  if (guarantee === undefined) return ["not calibrated: every image is escalated"];
  const second = secondThreshold === undefined ? "" : `, which hands on below ${significant(secondThreshold)}`;
  const { images, provider, cpuClass, batch } = guarantee;
  return [
    `promised ${describePromise(guarantee)}, on ${images} images, at batch ${batch} on ${provider} (${cpuClass})`,
    `threshold ${significant(threshold!)}, escalates to ${secondStage}${second}`,
  ];
}

function ladderTable({ ladder, guarantee }: Manifest): string {
  const inPoints = guarantee?.kind === "drop";
  const timed = ladder.some(({ speedUp }) => speedUp !== undefined); // older twins lack it
  return terminalTable({
    headings: [
      "threshold",
      "escalation",
      "agreement",
      "drop, in points",
      inPoints ? "drop proven, in points" : "agreement proven",
      ...(timed ? ["speed-up"] : []),
    ],
    rows: ladder.map(({ threshold, escalationRate, agreement, drop, bound, speedUp }) => [
      significant(threshold),
      percent(escalationRate),
      percent(agreement, 2),
      drop === undefined ? "" : points(drop),
      inPoints ? points(bound) : percent(1 - bound, 2),
      ...(timed ? [speedUp?.toFixed(2) ?? ""] : []),
    ]),
  });
}

/** What each layer of a model costs, for a person. */
export function modelText(path: string, { producer, opset, inputs, outputs, cost }: ModelDescription): string {
  return [
    styleText("bold", path),
    `made by ${producer || "an unknown tool"}, operator set ${opset}`,
    `input ${valuesText(inputs)}; output ${valuesText(outputs)}`,
    layerTable(cost),
    `in all ${metric(cost.macs)} multiply-adds, ${metric(cost.parameters)} parameters, ${metric(cost.bytes)}B of weights`,
  ].join("\n");
}

function layerTable({ layers }: ModelDescription["cost"]): string {
  return terminalTable({
    headings: ["node", "operator", "output", "multiply-adds", "parameters", "weights"],
    rows: layers.map(({ node, op, shape, macs, parameters, bytes }) => [
      node,
      op,
      shapeText(shape),
      macs === 0 ? "" : metric(macs),
      parameters === 0 ? "" : metric(parameters),
      bytes === 0 ? "" : `${metric(bytes)}B`,
    ]),
  });
}

const valuesText = (values: ModelDescription["inputs"]): string =>
  values.map(({ name, type, shape }) => `${name} ${type} ${shapeText(shape)}`).join(", ");

const shapeText = (shape: Shape): string => (shape === undefined ? "?" : shape.map((dim) => dim ?? "?").join(" x "));
