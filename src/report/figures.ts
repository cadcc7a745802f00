import type { SystemName } from "../bench/types.ts";

// How figures are written, everywhere: in tables, plots and pages.

export { percent } from "../figures.ts";

/** A difference of fractions, in points; with a real minus sign, which is as wide as a digit. */
export function points(difference: number): string {
  const size = Math.abs(100 * difference).toFixed(2);
  return difference < 0 && Number(size) > 0 ? `−${size}` : size;
}

/** A whole number, in groups of three digits. */
export const whole = (value: number): string => Math.round(value).toLocaleString("en-US");

/** A figure to three significant digits, never with an exponent. */
export function significant(value: number): string {
  const rounded = Number(value.toPrecision(3));
  if (Math.abs(rounded) >= 1000) return whole(value);
  const magnitude = rounded === 0 ? 0 : Math.floor(Math.log10(Math.abs(rounded)));
  return rounded.toFixed(Math.min(6, Math.max(0, 2 - magnitude)));
}

/** A ratio of speeds. */
export const times = (ratio: number): string => `${ratio.toFixed(2)}×`;

/** A count with a metric prefix, such as `125.7 M`. */
export function metric(value: number): string {
  const [unit, scale] = value >= 1e9 ? ["G", 1e9] : value >= 1e6 ? ["M", 1e6] : value >= 1e3 ? ["k", 1e3] : ["", 1];
  return `${significant(value / scale)} ${unit}`.trim();
}

/** A number of bytes, such as `18.4 kB`. */
export const inBytes = (value: number): string => (value < 1000 ? `${whole(value)} B` : `${metric(value)}B`);

/** Systems as people read them. */
export const systemTitles: Readonly<Record<SystemName, string>> = {
  "original-float32": "original, float32",
  "original-int8": "original, int8",
  compressed: "compressed",
  twin: "twin",
};

/** Steps with their minutes, but for those that would show as nothing. */
export const notableMinutes = (minutes: Readonly<Record<string, number>>): [string, number][] =>
  Object.entries(minutes).filter(([, spent]) => spent >= 0.005);
