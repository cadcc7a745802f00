import { z } from "zod";
import { jsonProblem, UsageError } from "../../errors.ts";
import { deviceKinds, type Plan } from "../../lanes/types.ts";
import { checked } from "../../schema.ts";

const networkName = z.enum(["compressed", "original-int8", "original"]);
const positive = z.int().min(1);

/** A plan as JSON; what it does not know it refuses. */
export const PlanSchema = z.strictObject({
  lanes: z
    .array(
      z.strictObject({
        kind: z.enum(["cpu", ...deviceKinds]),
        networks: z.array(networkName).min(1),
        threads: positive,
      }),
    )
    .min(1),
  batch: z.partialRecord(networkName, positive),
  idleTakesFresh: z.boolean(),
  startsBoth: z.boolean().exactOptional(),
  isolation: z.enum(["thread", "process"]),
}) satisfies z.ZodType<Plan>;

/**
 * Reads a plan from the text of a JSON file.
 *
 * @param file its name, for messages
 * @throws UsageError that says what is wrong with it
 */
export function parsePlan(text: string, file: string): Plan {
  const refuse = (problem: string) => new UsageError(`${file}: not a plan: ${problem}; make one with "twindnn plan"`);
  return checked(PlanSchema, parseJson(text, file), refuse);
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`${file}: not JSON: ${jsonProblem(cause)}; make one with "twindnn plan"`, { cause });
  }
}
