import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { makeFolder, writeWhole } from "../files.ts";
import { type Chunks, fileChunks, streamChunks } from "./chunks.ts";

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

export interface FashionMnistOptions {
  /** A folder that has the files, such as that of Debian's `dataset-fashion-mnist`; downloaded when absent. */
  readonly from?: string | undefined;
  /** Where to download from; the authors' address by default. */
  readonly address?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Puts Fashion-MNIST (H. Xiao, K. Rasul, R. Vollgraf, 2017; MIT licence) into a folder: four idx.gz files, checked by SHA-256,
 * and `classes.txt`. Files that are there already and sound are left alone.
 *
 * @throws InputError when a file is missing, cannot be fetched or written, or is not the published one
 */
export async function fashionMnist(folder: string, options: FashionMnistOptions = {}): Promise<void> {
  await makeFolder(folder);
  for (const [name, checksum] of Object.entries(files)) await install(name, checksum, folder, options);
  await writeWhole(join(folder, "classes.txt"), `${fashionMnistLabels.join("\n")}\n`);
}

async function install(name: string, checksum: string, folder: string, options: FashionMnistOptions): Promise<void> {
  const target = join(folder, name);
  if ((await exists(target)) && (await checksumOf(target)) === checksum) return;
  if (options.from === undefined) {
    const url = `${options.address ?? fashionMnistAddress}/${name}`;
    await writeWhole(target, download(url, options.signal), options.signal);
    await verify(target, checksum, url).catch(async (error: unknown) => {
      await rm(target, { force: true });
      throw error;
    });
  } else {
    const source = join(options.from, name);
    if (!(await exists(source)))
      throw new InputError(source, 'is missing; give the folder that holds it with "--from"');
    await verify(source, checksum, source);
    await writeWhole(target, streamChunks(createReadStream(source), source), options.signal);
  }
}

async function* download(url: string, signal: AbortSignal | undefined): Chunks {
  try {
    const response = await fetch(url, { ...(signal && { signal }) });
    if (!response.ok) throw new InputError(url, `the server answers ${response.status} ${response.statusText}`);
    if (response.body !== null) yield* response.body as AsyncIterable<Uint8Array>;
  } catch (cause) {
    if (cause instanceof InputError || signal?.aborted) throw cause;
    throw new InputError(url, 'cannot be fetched; check the network, or take the files from a folder with "--from"', {
      cause,
    });
  }
}

async function verify(path: string, checksum: string, origin: string): Promise<void> {
  const found = await checksumOf(path);
  if (found === checksum) return;
  throw new InputError(
    origin,
    `is not the published file: SHA-256 of its data is ${found}, not ${checksum}; fetch it again`,
  );
}

async function checksumOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of fileChunks(path)) hash.update(chunk);
  return hash.digest("hex");
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
