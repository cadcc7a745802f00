import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answersTo } from "../../../src/compress/pipeline/answers.ts";
import { createPreprocessor, type ImageItem, type ImageSource, type Pixels } from "../../../src/data/index.ts";
import { encodeModel } from "../../../src/onnx/index.ts";
import { logitsOf, topClasses } from "../../../src/twin/index.ts";
import { classifier, randomBytes, storeNetwork } from "../../support/models.ts";
import { preprocessing, side } from "../../support/twins.ts";

/** A small original, and images labelled with its own answers, of which every tenth is another. */
export async function smallProblem(folder: string, count: number): Promise<{ original: string; images: ImageSource }> {
  mkdirSync(folder, { recursive: true });
  const model = classifier({ seed: 5, size: side, depth: 3, width: 32 });
  const original = join(folder, "small.onnx");
  writeFileSync(original, encodeModel(model));
  const { normalisation } = createPreprocessor(preprocessing);
  const network = storeNetwork(folder, "original", model, { normalisation });
  const pictures = Array.from({ length: count }, (_, i) => picture(i));
  const data = {
    images: Uint8Array.from(pictures.flatMap((pixels) => [...planesOf(pixels)])),
    shape: [3, side, side] as const,
    labels: new Uint16Array(count),
  };
  const answers = topClasses(logitsOf(await answersTo(data, false, [network]), "original"));
  const labels = [...answers].map((answer, i) => (i % 10 === 0 ? (answer + 1) % 4 : answer));
  return { original, images: source(pictures, labels) };
}

/** A colour with noise. */
function picture(seed: number): Pixels {
  const colour = randomBytes(3, 7919 * (seed + 1));
  const noise = randomBytes(3 * side * side, seed + 1);
  const data = noise.map((value, i) => 0.7 * colour[i % 3]! + 0.3 * value);
  return { data, width: side, height: side, channels: 3 };
}

const planesOf = ({ data }: Pixels): Uint8Array =>
  data.map((_, i) => data[3 * (i % (side * side)) + Math.floor(i / (side * side))]!);

const source = (pictures: readonly Pixels[], labels: readonly number[]): ImageSource => ({
  name: "pictures",
  count: pictures.length,
  async *[Symbol.asyncIterator](): AsyncGenerator<ImageItem> {
    for (const [i, pixels] of pictures.entries()) {
      yield { name: `picture ${i}`, label: labels[i]!, read: () => Promise.resolve(pixels) };
    }
  },
});
