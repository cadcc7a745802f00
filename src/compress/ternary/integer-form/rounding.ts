import { roundHalfEven } from "../../int8/affine.ts";
import type { CodedValue } from "./types.ts";

/** The code of an accumulator that is worth `multiplier` codes of the output for each unit. */
export function requantise(accumulator: number, multiplier: number, { zeroPoint }: CodedValue): number {
  return clamp(roundHalfEven(Math.fround(Math.fround(accumulator) * multiplier)) + zeroPoint);
}

/** The code of a real number. */
export function quantise(value: number, { scale, zeroPoint }: CodedValue): number {
  return clamp(roundHalfEven(Math.fround(value / scale)) + zeroPoint);
}

/** The nearest code; halves go to the even one. */
export const roundToCode = (value: number): number => clamp(roundHalfEven(value));

const clamp = (code: number): number => Math.min(255, Math.max(0, code));
