import { percent } from "../../figures.ts";
import type { Candidate, Target } from "./context.ts";
import type { Score } from "./score.ts";

/** A candidate and what it is worth. */
export interface Scored {
  readonly candidate: Candidate;
  readonly score: Score;
}

/** What tells whether a candidate meets the target. */
interface Judged {
  readonly candidate: { readonly name: string; readonly network: Pick<Candidate["network"], "macs" | "parameters"> };
  readonly score: Pick<Score, "time" | "cost">;
}

interface Aim {
  readonly target: Target;
  readonly original: { readonly entry: { readonly macs: number } };
}

/** How a network misses the target; undefined where it meets it. */
export function missedTarget({ candidate, score }: Judged, { target, original }: Aim): string | undefined {
  const { speedUp = 0, macs = 1, size = Number.POSITIVE_INFINITY } = target;
  const missed: string[] = [];
  const ratio = 1 / score.time;
  if (ratio < speedUp) missed.push(`is ${ratio.toFixed(2)} times as fast as the original, not ${speedUp}`);
  const { network } = candidate;
  const share = network.macs / original.entry.macs;
  if (share > macs) missed.push(`has ${percent(share)} of the multiply-adds, not ${percent(macs)}`);
  if (network.parameters > size) missed.push(`has ${network.parameters} bytes of weights in int8, not ${size}`);
  return missed.length === 0 ? undefined : `${candidate.name} ${missed.join(" and ")}`;
}

/** The candidate of the cheapest twin among those that meet the target, or of all where none does. */
export function bestOf<Each extends Judged>(scored: readonly Each[], aim: Aim): Each {
  const byCost = scored.toSorted((a, b) => a.score.cost - b.score.cost);
  return byCost.find((each) => missedTarget(each, aim) === undefined) ?? byCost[0]!;
}
