import { InputError } from "../errors.ts";

/** The header of NumPy's `.npy` format (NEP 1): element type, sizes, and where the data start. */
export interface NpyHeader {
  /** NumPy's code, such as `|u1` or `<i8`. */
  readonly type: string;
  readonly shape: readonly number[];
  /** Bytes before the data. */
  readonly length: number;
}

const magic = "\x93NUMPY";

/** Parses the start of a `.npy` file; throws InputError, naming `file`. */
export function parseNpyHeader(bytes: Uint8Array, file: string): NpyHeader {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (text.toString("latin1", 0, 6) !== magic) throw new InputError(file, "is no .npy array");
  const wide = bytes[6]! >= 2;
  const start = wide ? 12 : 10;
  if (bytes.length < start) throw new InputError(file, "is truncated: it ends within its header; copy it again");
  const length = start + (wide ? text.readUInt32LE(8) : text.readUInt16LE(8));
  if (bytes.length < length) throw new InputError(file, "is truncated: it ends within its header; copy it again");
  return { ...parseDictionary(text.toString("utf8", start, length), file), length };
}

/** `{'descr': '|u1', 'fortran_order': False, 'shape': (2, 28, 28), }` */
function parseDictionary(text: string, file: string): { type: string; shape: number[] } {
  const type = /'descr':\s*'([^']*)'/.exec(text)?.[1];
  const shape = /'shape':\s*\(([^)]*)\)/.exec(text)?.[1];
  if (type === undefined || shape === undefined) throw new InputError(file, "has a .npy header that is not understood");
  if (/'fortran_order':\s*True/.test(text)) {
    throw new InputError(file, "is stored in Fortran order; save numpy.ascontiguousarray(...) of it");
  }
  return {
    type,
    shape: shape
      .split(",")
      .map((part) => part.trim())
      .filter(Boolean)
      .map(Number),
  };
}

/** Writes a `.npy` file of bytes (`|u1`), 64-bit integers (`<i8`) or floats (`<f4`). */
export function encodeNpy(data: Uint8Array | BigInt64Array | Float32Array, shape: readonly number[]): Uint8Array {
  const type = data instanceof Uint8Array ? "|u1" : data instanceof Float32Array ? "<f4" : "<i8";
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dictionary = `{'descr': '${type}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const padded = dictionary.padEnd(Math.ceil((dictionary.length + 11) / 64) * 64 - 11);
  const length = Buffer.alloc(2);
  length.writeUInt16LE(padded.length + 1);
  const head = Buffer.concat([Buffer.from(`${magic}\x01\x00`, "latin1"), length, Buffer.from(`${padded}\n`)]);
  return Buffer.concat([head, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);
}

/** Whole numbers of any of NumPy's integer types, as `Int32Array`; throws InputError for other types. */
export function decodeIntegers(bytes: Uint8Array, file: string): Int32Array {
  const { type, shape, length } = parseNpyHeader(bytes, file);
  const read = integerReaders[type];
  if (read === undefined)
    throw new InputError(file, `has elements of type "${type}"; known: ${Object.keys(integerReaders).join(", ")}`);
  const width = Number(type.slice(2));
  const count = shape.reduce((product, size) => product * size, 1);
  if (bytes.length - length < count * width) throw new InputError(file, "is truncated; copy it again");
  const view = new DataView(bytes.buffer, bytes.byteOffset + length);
  return Int32Array.from({ length: count }, (_, i) => read(view, i * width));
}

const integerReaders: Readonly<Record<string, (view: DataView, offset: number) => number>> = {
  "|u1": (view, at) => view.getUint8(at),
  "|i1": (view, at) => view.getInt8(at),
  "<u2": (view, at) => view.getUint16(at, true),
  "<i2": (view, at) => view.getInt16(at, true),
  "<u4": (view, at) => view.getUint32(at, true),
  "<i4": (view, at) => view.getInt32(at, true),
  "<u8": (view, at) => Number(view.getBigUint64(at, true)),
  "<i8": (view, at) => Number(view.getBigInt64(at, true)),
};
