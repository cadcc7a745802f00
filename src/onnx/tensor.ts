/** Element types that ONNX tensors may have and that JavaScript can hold. */
export const elementTypes = {
  float32: { code: 1, bytes: 4, array: Float32Array },
  uint8: { code: 2, bytes: 1, array: Uint8Array },
  int8: { code: 3, bytes: 1, array: Int8Array },
  uint16: { code: 4, bytes: 2, array: Uint16Array },
  int16: { code: 5, bytes: 2, array: Int16Array },
  int32: { code: 6, bytes: 4, array: Int32Array },
  int64: { code: 7, bytes: 8, array: BigInt64Array },
  bool: { code: 9, bytes: 1, array: Uint8Array },
  /** Raw IEEE half-precision bits. */
  float16: { code: 10, bytes: 2, array: Uint16Array },
  float64: { code: 11, bytes: 8, array: Float64Array },
  uint32: { code: 12, bytes: 4, array: Uint32Array },
  uint64: { code: 13, bytes: 8, array: BigUint64Array },
  /** The upper halves of float32 bits. */
  bfloat16: { code: 16, bytes: 2, array: Uint16Array },
} as const;

export type ElementType = keyof typeof elementTypes;

const typesByCode = new Map<number, ElementType>(
  Object.entries(elementTypes).map(([name, type]) => [type.code, name as ElementType]),
);

/** The element type that ONNX writes as `code`; undefined when it is none of ours. */
export const elementTypeOf = (code: number): ElementType | undefined => typesByCode.get(code);

export type TensorData =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** A constant: row-major elements of one type. */
export interface Tensor {
  readonly type: ElementType;
  /** Sizes, outermost first; `[]` is a scalar. */
  readonly dims: readonly number[];
  readonly data: TensorData;
}

/** Number of elements of a shape; 1 for a scalar. */
export const sizeOf = (dims: readonly number[]): number => dims.reduce((product, dim) => product * dim, 1);

/** A float32 constant; `dims` defaults to one axis. */
export function float32(data: ArrayLike<number>, dims: readonly number[] = [data.length]): Tensor {
  return { type: "float32", dims, data: data instanceof Float32Array ? data : Float32Array.from(data) };
}

/** A float32 scalar. */
export const scalar = (value: number): Tensor => float32([value], []);

/** An int64 constant; `dims` defaults to one axis. */
export function int64(values: readonly number[], dims: readonly number[] = [values.length]): Tensor {
  return { type: "int64", dims, data: BigInt64Array.from(values, BigInt) };
}

/** The elements as JavaScript numbers, half-precision types decoded. */
export function toNumbers(tensor: Tensor): number[] {
  if (tensor.type === "float16") return Array.from(tensor.data as Uint16Array, halfToNumber);
  if (tensor.type === "bfloat16") return Array.from(tensor.data as Uint16Array, bfloatToNumber);
  return Array.from(tensor.data as ArrayLike<number | bigint>, Number);
}

/** The value of IEEE half-precision bits. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function bfloatToNumber(bits: number): number {
  return new Float32Array(new Uint32Array([bits << 16]).buffer)[0]!;
}
