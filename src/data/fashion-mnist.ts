import { join } from "node:path";
import { inFolder, writeWhole } from "../files.ts";
import { installPublished, type PublishedOptions } from "./published.ts";

/** Where its authors publish Fashion-MNIST. */
export const fashionMnistAddress = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com";

/** The class names, in label order. */
export const fashionMnistLabels: readonly string[] = [
  "T-shirt/top",
  "Trouser",
  "Pullover",
  "Dress",
  "Coat",
  "Sandal",
  "Shirt",
  "Sneaker",
  "Bag",
  "Ankle boot",
];

/** SHA-256 of each file unzipped: distributors zip them anew, the data stay the same. */
const files: Readonly<Record<string, string>> = {
  "train-images-idx3-ubyte.gz": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
  "train-labels-idx1-ubyte.gz": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
  "t10k-images-idx3-ubyte.gz": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
  "t10k-labels-idx1-ubyte.gz": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
};

/**
 * Puts Fashion-MNIST (H. Xiao, K. Rasul, R. Vollgraf, 2017; MIT licence) into a folder: four idx.gz files, checked by SHA-256,
 * and `classes.txt`. Files that are there already and sound are left alone.
 *
 * @throws InputError when a file is missing, cannot be fetched or written, or is not the published one
 */
export async function fashionMnist(folder: string, options: PublishedOptions = {}): Promise<void> {
  const address = options.address ?? fashionMnistAddress;
  await inFolder(folder, async () => {
    for (const [name, sha256] of Object.entries(files)) {
      await installPublished({ name, sha256, checksumOf: "unzipped" }, folder, { ...options, address });
    }
    await writeWhole(join(folder, "classes.txt"), `${fashionMnistLabels.join("\n")}\n`);
  });
}
