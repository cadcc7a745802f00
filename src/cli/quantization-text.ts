import { styleText } from "node:util";
import type { QuantizationReport } from "../compress/index.ts";
import { percent, times } from "../report/figures.ts";

/** What quantisation did, for a person. */
export function quantizationText(path: string, report: QuantizationReport): string {
  const { nodes, images, agreement, time, method, weightBits, notes } = report;
  const float = nodes.filter(({ precision }) => precision === "float32");
  return [
    styleText("bold", path),
    `${nodes.length - float.length} of ${nodes.length} nodes in int8, weights of ${weightBits} bits, ranges by ${method} from ${images.calibration} images`,
    `agreement with float32 ${percent(agreement, 2)} on ${images.heldOut} other images`,
    `${times(time.speedUp)} as fast here: ${time.int8Ms.toPrecision(3)} ms an image, float32 ${time.float32Ms.toPrecision(3)} ms`,
    ...float.map(({ op, node, reason }) => `float32: ${op} "${node}"${reason === undefined ? "" : `, ${reason}`}`),
    ...notes,
  ].join("\n");
}
