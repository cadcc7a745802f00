import { expect, test } from "vitest";
import { loadedSource, loadImages } from "../../../src/compress/pipeline/images.ts";
import {
  createPreprocessor,
  type ImageItem,
  type ImageSource,
  type Preparable,
  type Prepared,
  prepareAll,
} from "../../../src/data/index.ts";
import { InputError } from "../../../src/errors.ts";
import { randomBytes } from "../../support/models.ts";
import { preprocessing, side } from "../../support/twins.ts";

/** Pictures larger than what the network reads; the third cannot be read, the fourth has no class. */
const pictures: ImageSource = {
  name: "pictures",
  count: 5,
  async *[Symbol.asyncIterator](): AsyncGenerator<ImageItem> {
    for (let i = 0; i < 5; i++) {
      const pixels = {
        data: randomBytes(3 * 4 * side * side, i + 1),
        width: 2 * side,
        height: 2 * side,
        channels: 3,
      } as const;
      const read = async () => {
        if (i === 2) throw new InputError("picture 2", "cannot be read");
        return pixels;
      };
      yield { name: `picture ${i}`, ...(i === 3 ? {} : { label: i % 3 }), read };
    }
  },
};

async function preparedFrom(source: ImageSource<Preparable>): Promise<Prepared[]> {
  const images: Prepared[] = [];
  for await (const image of prepareAll(source, createPreprocessor(preprocessing))) images.push(image);
  return images;
}

test("images in memory are prepared as those that they were read from, and keep their names, classes and failures", async () => {
  const loaded = loadedSource(await loadImages(pictures, preprocessing));
  const [read, kept] = [await preparedFrom(pictures), await preparedFrom(loaded)];
  const failed = read.filter((image) => "error" in image);
  expect(failed).toHaveLength(1);
  expect(kept).toEqual([...read.filter((image) => !("error" in image)), ...failed]);
  expect(loaded).toMatchObject({ name: pictures.name, count: pictures.count });
});
