import { InvalidArgumentError } from "@commander-js/extra-typings";

/** Reads "0.5%", "0.5 %" or "0.005" as the fraction 0.005. */
export function parseFraction(text: string): number {
  const match = /^(\d+(?:\.\d+)?|\.\d+)\s*(%?)$/.exec(text.trim());
  const value = match === null ? Number.NaN : Number(match[1]) / (match[2] === "%" ? 100 : 1);
  if (value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError(`received "${text}"; give a share such as 0.5% or 0.005.`);
}

/** Reads a whole number of at least `minimum` and, where that is given, of at most `maximum`. */
export function parseCount(minimum: number, maximum = Number.MAX_SAFE_INTEGER): (text: string) => number {
  const range = maximum === Number.MAX_SAFE_INTEGER ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`;
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= minimum && value <= maximum) return value;
    throw new InvalidArgumentError(`received "${text}"; give a whole number ${range}.`);
  };
}

/** Reads a share as `parseFraction`, above 0. */
export function parseShare(text: string): number {
  const value = parseFraction(text);
  if (value > 0) return value;
  throw new InvalidArgumentError(`received "${text}"; give a share above 0.`);
}

/** Reads a number above 0. */
export function parsePositive(text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError(`received "${text}"; give a number above 0.`);
}

const secondsOf = { s: 1, m: 60, h: 3600 } as const;

/** Reads "90s", "15m" or "2h" as seconds. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([smh])$/.exec(text.trim());
  const seconds = match === null ? 0 : Number(match[1]) * secondsOf[match[2] as keyof typeof secondsOf];
  if (seconds > 0) return seconds;
  throw new InvalidArgumentError(`received "${text}"; give a time such as 90s, 15m or 2h.`);
}

const bytesOf = { "": 1, k: 1e3, M: 1e6, G: 1e9 } as const;

/** Reads "500kB", "1.5MB" or "120000" as bytes. */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([kMG]?)B)?$/.exec(text.trim());
  const bytes = match === null ? 0 : Number(match[1]) * bytesOf[(match[2] ?? "") as keyof typeof bytesOf];
  if (bytes > 0) return bytes;
  throw new InvalidArgumentError(`received "${text}"; give a size such as 500kB or 2MB.`);
}
