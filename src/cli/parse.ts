import { InvalidArgumentError } from "@commander-js/extra-typings";

/** Reads "0.5%", "0.5 %" or "0.005" as the fraction 0.005. */
export function parseFraction(text: string): number {
  const match = /^(\d+(?:\.\d+)?|\.\d+)\s*(%?)$/.exec(text.trim());
  const value = match === null ? Number.NaN : Number(match[1]) / (match[2] === "%" ? 100 : 1);
  if (value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError(`received "${text}"; give a share such as 0.5% or 0.005.`);
}

/** Reads a whole number of at least `minimum`. */
export function parseCount(minimum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= minimum) return value;
    throw new InvalidArgumentError(`received "${text}"; give a whole number of at least ${minimum}.`);
  };
}

/** Reads a number above 0. */
export function parsePositive(text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError(`received "${text}"; give a number above 0.`);
}
