export { cifar10, cifar10Address, cifar10Archive } from "./cifar10.ts";
export { decodeImage, type ImageInput, maximumPixels } from "./decode.ts";
export { fashionMnist, fashionMnistAddress, fashionMnistLabels } from "./fashion-mnist.ts";
export { fingerprint, overlap, partHash } from "./fingerprint.ts";
export { sourceOf } from "./inputs.ts";
export { labelList, readLabelList, refuseFilledList, withLabels } from "./label-list.ts";
export { readLabels } from "./labels.ts";
export { packNpz } from "./pack.ts";
export { createPreprocessor, type Preprocessor } from "./preprocess.ts";
export { Preprocessing, type PreprocessingInput } from "./preprocessing.ts";
export { loadPreprocessing, presets } from "./presets.ts";
export type { PublishedOptions } from "./published.ts";
export { type Resampler, resample, resamplers } from "./resample.ts";
export type { OpenOptions, Split } from "./sources/format.ts";
export { openImages } from "./sources/open.ts";
export { type Selection, type SplitOptions, selectImages, splitImages } from "./split.ts";
export {
  type FailedImage,
  type Preparable,
  type Prepared,
  type PreparedImage,
  type PrepareOptions,
  prepareAll,
} from "./stream.ts";
export type { ImageItem, ImageSource, Normalisation, Pixels, Planes } from "./types.ts";
