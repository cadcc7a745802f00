/** A decoded image: rows of interleaved channels, 8 bits each. */
export interface Pixels {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** 1: grey; 3: RGB; 4: RGBA, whose alpha is ignored. */
  readonly channels: 1 | 3 | 4;
}

/** One image of a source, not yet read. */
export interface ImageItem {
  /** Unique within the source: the path below it, or `<file>#<index>` inside a packed file. */
  readonly name: string;
  /** Index of its class in the source's `classes`; absent when the source says nothing. */
  readonly label?: number;
  /** The encoded file (JPEG, PNG, ...), or pixels where the source stores them. Throws InputError. */
  read(): Promise<Uint8Array | Pixels>;
}

/** Images in a fixed order, read one after the other and any number of times. */
export interface ImageSource<Item = ImageItem> extends AsyncIterable<Item> {
  /** What the user called it. */
  readonly name: string;
  /** Class names, in label order; absent when the source is not labelled. */
  readonly classes?: readonly string[];
  /** Number of images, where known without reading them all. */
  readonly count?: number;
}

/**
 * What the network reads, prepared up to but not including normalisation: resized, cropped, `channels x height x width`
 * planes of bytes. Normalisation happens in the lane, so that a quarter of the memory travels.
 */
export type Planes = Uint8Array;

/** Per-channel `value = byte * scale + offset`. */
export interface Normalisation {
  readonly scale: readonly number[];
  readonly offset: readonly number[];
}
