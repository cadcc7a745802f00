import type { Dim } from "../graph.ts";
import { isKnown } from "./dims.ts";
import type { NodeContext } from "./operator.ts";

/** A window that slides over one spatial axis. */
interface Window {
  readonly kernel: Dim;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
  readonly autoPad: string;
  readonly ceil: boolean;
}

/** The windows of a convolution or pooling node, one a spatial axis. */
export function windowsOf(context: NodeContext, kernel: readonly Dim[]): Window[] {
  const rank = kernel.length;
  const strides = context.ints("strides", Array(rank).fill(1));
  const dilations = context.ints("dilations", Array(rank).fill(1));
  const pads = context.ints("pads", Array(2 * rank).fill(0));
  if (strides.length !== rank || dilations.length !== rank || pads.length !== 2 * rank) {
    context.fail(`strides, dilations or pads do not fit ${rank} spatial axes`);
  }
  return kernel.map((size, axis) => ({
    kernel: size,
    stride: strides[axis]!,
    dilation: dilations[axis]!,
    before: pads[axis]!,
    after: pads[axis + rank]!,
    autoPad: context.string("auto_pad", "NOTSET"),
    ceil: context.int("ceil_mode", 0) === 1,
  }));
}

/** How many places a window takes along an axis of `size`. A symbol survives where the size is kept. */
export function slide(size: Dim, window: Window): Dim {
  const { stride } = window;
  if (window.autoPad.startsWith("SAME"))
    return isKnown(size) ? Math.ceil(size / stride) : stride === 1 ? size : undefined;
  if (!isKnown(window.kernel)) return undefined;
  const pads = window.autoPad === "VALID" ? 0 : window.before + window.after;
  const overhang = pads - (window.kernel - 1) * window.dilation - 1;
  if (!isKnown(size)) return overhang === -1 && stride === 1 ? size : undefined;
  const places = (size + overhang) / stride + 1;
  return window.ceil ? ceilPlaces(places, size, window) : Math.max(0, Math.floor(places));
}

/** A last window that would start in the padding is left out. */
function ceilPlaces(places: number, size: number, window: Window): number {
  const rounded = Math.ceil(places);
  return (rounded - 1) * window.stride >= size + window.before ? rounded - 1 : rounded;
}

/** The size that a transposed convolution makes of an axis. */
export function spread(size: Dim, window: Window, outputPadding: number): Dim {
  if (!isKnown(size) || !isKnown(window.kernel)) return undefined;
  if (window.autoPad.startsWith("SAME")) return size * window.stride;
  const pads = window.autoPad === "VALID" ? 0 : window.before + window.after;
  return (size - 1) * window.stride + outputPadding + (window.kernel - 1) * window.dilation + 1 - pads;
}
