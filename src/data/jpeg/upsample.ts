/** Samples of one component, rows `stride` apart. */
export interface Plane {
  readonly data: Uint8Array;
  readonly stride: number;
  /** Samples that belong to the image; the rest of a row is padding. */
  readonly width: number;
  readonly height: number;
}

/**
 * Prepares the doubling of a chroma plane along the axes where it is half of the image, by the triangle filter of
 * libjpeg-turbo's "fancy" upsampling: a new sample is 3/4 the nearer old one and 1/4 the farther, on each axis; which half is
 * rounded up alternates. What is returned doubles the plane as it is when called, into the same result at every call.
 */
export function upsampler(plane: Plane, horizontally: boolean, vertically: boolean): () => Plane {
  if (!horizontally && !vertically) return () => plane;
  const result = blank(horizontally ? 2 * plane.width : plane.width, vertically ? 2 * plane.height : plane.height);
  const double = horizontally && vertically ? doubleBoth : horizontally ? doubleWidth : doubleHeight;
  return () => {
    double(plane, result);
    return result;
  };
}

function blank(width: number, height: number): Plane {
  return { data: new Uint8Array(width * height), stride: width, width, height };
}

function doubleWidth({ data, stride, width, height }: Plane, result: Plane): void {
  for (let y = 0; y < height; y++) {
    const from = y * stride;
    const to = y * result.stride;
    for (let x = 0; x < width; x++) {
      const three = 3 * data[from + x]!;
      const left = data[from + Math.max(0, x - 1)]!;
      const right = data[from + Math.min(width - 1, x + 1)]!;
      result.data[to + 2 * x] = (three + left + 1) >> 2;
      result.data[to + 2 * x + 1] = (three + right + 2) >> 2;
    }
  }
}

function doubleHeight({ data, stride, width, height }: Plane, result: Plane): void {
  for (let y = 0; y < result.height; y++) {
    const near = (y >> 1) * stride;
    const far = neighbour(y, height) * stride;
    const rounding = 1 + (y & 1);
    for (let x = 0; x < width; x++) {
      result.data[y * width + x] = (3 * data[near + x]! + data[far + x]! + rounding) >> 2;
    }
  }
}

function doubleBoth({ data, stride, width, height }: Plane, result: Plane): void {
  const sums = new Int32Array(width);
  for (let y = 0; y < result.height; y++) {
    const near = (y >> 1) * stride;
    const far = neighbour(y, height) * stride;
    for (let x = 0; x < width; x++) sums[x] = 3 * data[near + x]! + data[far + x]!;
    doubleSums(sums, result.data, y * result.stride);
  }
}

/** A row of samples times four, doubled into `out` from `to` on. */
function doubleSums(sums: Int32Array, out: Uint8Array, to: number): void {
  let left = sums[0]!;
  let middle = left;
  for (let x = 1; x <= sums.length; x++) {
    const right = x < sums.length ? sums[x]! : middle;
    out[to] = (3 * middle + left + 8) >> 4;
    out[to + 1] = (3 * middle + right + 7) >> 4;
    to += 2;
    left = middle;
    middle = right;
  }
}

/** The old row beside the one that new row `y` lies in, on the nearer side; the edge repeats itself. */
function neighbour(y: number, height: number): number {
  const row = y >> 1;
  return y & 1 ? Math.min(height - 1, row + 1) : Math.max(0, row - 1);
}
