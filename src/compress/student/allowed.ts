import { UsageError } from "../../errors.ts";
import { type Model, modelCost } from "../../onnx/index.ts";
import { residualNetwork } from "../../train/index.ts";
import { estimateLatency, int8Bytes, LatencyTable, layerShapes } from "../latency/index.ts";
import type { Compression } from "../pipeline/context.ts";
import { type StudentWidth, studentNetwork, studentWidths } from "./family.ts";

/**
 * Share of the original's multiply-adds that a student may have. A twin costs c + o e, and a wider one's own time c outweighs
 * the escalations that it saves: short races cannot show that, for in them narrow students are still far from their best.
 */
const widestShare = 0.15;

/**
 * The widths, from narrow to wide, whose students meet the target and cost little beside the original, as far as can be told
 * before they are trained; the narrowest that meets the target in any case.
 *
 * @throws UsageError when no student meets the target
 */
export async function allowedWidths(compression: Compression): Promise<StudentWidth[]> {
  const { original, training, seed } = compression;
  const missed = await targetCheck(compression);
  const allowed: StudentWidth[] = [];
  const refusals: string[] = [];
  for (const width of studentWidths) {
    const model = residualNetwork(studentNetwork(width, training.shape, original.entry.output.classes), seed);
    const refusal = await missed(model);
    if (refusal !== undefined) refusals.push(refusal);
    else if (allowed.length === 0 || modelCost(model).macs <= widestShare * original.entry.macs) allowed.push(width);
  }
  if (allowed.length > 0) return allowed;
  throw new UsageError(`the smallest student ${refusals[0]}; ask for less, or for slim or int8`);
}

/** What says how a network misses the target, by its operations, weights and latency; undefined where it does not. */
async function targetCheck({ target, original }: Compression) {
  const { macs: share = 1, size = Number.POSITIVE_INFINITY, speedUp } = target;
  const mostMacs = share * original.entry.macs;
  const table = new LatencyTable();
  const mostTime = speedUp === undefined ? undefined : (await estimateLatency(original.model, table)) / speedUp;
  return async (model: Model): Promise<string | undefined> => {
    const { macs } = modelCost(model);
    if (macs > mostMacs) return `has ${millions(macs)} multiply-adds, ${millions(mostMacs)} at most are wanted`;
    const bytes = layerShapes(model).reduce((sum, { shape }) => sum + int8Bytes(shape), 0);
    if (bytes > size) return `has ${bytes} bytes in int8, the target allows ${size}`;
    if (mostTime === undefined) return undefined;
    const time = await estimateLatency(model, table);
    if (time > mostTime) return `would take ${time.toFixed(3)} ms an image, the target allows ${mostTime.toFixed(3)}`;
    return undefined;
  };
}

const millions = (macs: number): string => `${(macs / 1e6).toFixed(1)} million`;
