import type { ResidualNetwork, Stage } from "../../train/index.ts";

/** Widths of the first residual stage; the name of a student says it: T32. */
export const studentWidths = [16, 24, 32, 48, 64] as const;
export type StudentWidth = (typeof studentWidths)[number];

/** The side of the picture at which the first residual stage works, at most. */
const firstStageSide = 16;
/** Channels of the convolutions that halve larger pictures before it. */
const stemChannels = 16;

/**
 * A student: a plain residual network of 3x3 convolutions with ReLU, which fuses into the fastest convolutions of ONNX
 * Runtime. Stages of `width`, twice and four times the width, each half the picture of the one before and one residual block
 * deep; larger pictures are first halved to 32 x 32 or less. Nothing works at the full size of a small picture: a
 * convolution of few channels there takes as long as several behind it.
 *
 * @param input - sizes of one image
 */
export function studentNetwork(
  width: StudentWidth,
  input: readonly [channels: number, height: number, width: number],
  classes: number,
): ResidualNetwork {
  return { name: `student-T${width}`, input, classes, stages: [...stem(Math.max(input[1], input[2])), ...body(width)] };
}

function stem(side: number): Stage[] {
  const halvings = Math.max(0, Math.ceil(Math.log2(side / (2 * firstStageSide))));
  return Array.from({ length: halvings }, () => ({ channels: stemChannels, stride: 2, blocks: 0 }));
}

const body = (width: StudentWidth): Stage[] =>
  [1, 2, 4].map((factor) => ({ channels: factor * width, stride: 2, blocks: 1 }));
