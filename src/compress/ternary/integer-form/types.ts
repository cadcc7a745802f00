/** A value of the network as codes 0..255: value = scale (code - zeroPoint). */
export interface CodedValue {
  /** Sizes for one image: channels, rows and columns, or features. */
  readonly shape: readonly number[];
  readonly scale: number;
  readonly zeroPoint: number;
}

/** A window that slides over rows and columns; what it covers beyond the picture does not count. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Rows above and columns to the left of the picture where it starts. */
  readonly pads: readonly number[];
}

/** Weights and biases in integers. */
export interface Parameters {
  /** 2 where all codes are -1, 0 and 1; else 8. */
  readonly bits: 2 | 8;
  /** [outputs, inputs of a group, rows, columns], or [outputs, inputs]. */
  readonly dims: readonly number[];
  /** weight = scale of its output x code */
  readonly codes: Int8Array;
  readonly scales: readonly number[];
  /** In units of input scale x weight scale. */
  readonly biases: Int32Array;
}

interface Named {
  readonly name: string;
  /** The value that it makes. */
  readonly output: string;
}

export interface Convolution extends Named {
  readonly kind: "convolution";
  readonly input: string;
  readonly window: Window;
  readonly groups: number;
  readonly parameters: Parameters;
}

export interface Dense extends Named {
  readonly kind: "dense";
  readonly input: string;
  readonly parameters: Parameters;
}

/** A dense layer whose accumulators, times input scale x weight scale, are the network's answer. */
export interface Logits extends Named {
  readonly kind: "logits";
  readonly input: string;
  readonly parameters: Parameters;
}

export interface Addition extends Named {
  readonly kind: "addition";
  readonly inputs: readonly [string, string];
}

/** Over rows and columns. */
export interface Mean extends Named {
  readonly kind: "mean";
  readonly input: string;
}

/** Of the codes in each window. */
export interface Maximum extends Named {
  readonly kind: "maximum";
  readonly input: string;
  readonly window: Window;
}

/** Of the values in each window. */
export interface Average extends Named {
  readonly kind: "average";
  readonly input: string;
  readonly window: Window;
  /** Whether what a window covers beyond the picture counts as zeros. */
  readonly overPadding: boolean;
}

/** Values one behind the other. */
export interface Concatenation extends Named {
  readonly kind: "concatenation";
  readonly inputs: readonly string[];
  /** Of one image: 0 for channels. */
  readonly axis: number;
}

/**
 * The code at position p of an axis is that at position `start + step p` of the input; beyond its ends stands the zero
 * point. Slices and paddings are such.
 */
export interface Pick extends Named {
  readonly kind: "pick";
  readonly input: string;
  readonly starts: readonly number[];
  readonly steps: readonly number[];
}

/** The axes of an image in another order: axis i of the output is axis `order[i]` of the input. */
export interface Transposition extends Named {
  readonly kind: "transposition";
  readonly input: string;
  readonly order: readonly number[];
}

/** The same codes in the same order, in another shape. */
export interface Reshape extends Named {
  readonly kind: "reshape";
  readonly input: string;
}

export type Layer =
  | Convolution
  | Dense
  | Logits
  | Addition
  | Concatenation
  | Mean
  | Maximum
  | Average
  | Pick
  | Transposition
  | Reshape;

/** A network in integers, from the codes of the image to the accumulators that make the logits. */
export interface IntegerForm {
  readonly input: string;
  readonly output: string;
  /** All values but the logits. */
  readonly values: ReadonlyMap<string, CodedValue>;
  /** In the order in which they compute; the last makes the logits. */
  readonly layers: readonly Layer[];
}

/** Codes of one image, row-major. */
export interface Codes extends CodedValue {
  readonly data: Uint8Array;
}
