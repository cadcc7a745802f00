import { inFolder } from "../files.ts";
import { installPublished, type PublishedFile, type PublishedOptions } from "./published.ts";

/** Where its author publishes CIFAR-10. */
export const cifar10Address = "https://www.cs.toronto.edu/~kriz";

/** The binary version, with its class names. */
export const cifar10Archive: PublishedFile = {
  name: "cifar-10-binary.tar.gz",
  sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
  checksumOf: "file",
};

/**
 * Puts CIFAR-10 (A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009) into a folder: the archive
 * of its binary version, 162 MiB, checked by SHA-256, which is read as it is. One that is there already and sound is left
 * alone.
 *
 * @throws InputError when it is missing, cannot be fetched or written, or is not the published one
 */
export async function cifar10(folder: string, options: PublishedOptions = {}): Promise<void> {
  const address = options.address ?? cifar10Address;
  await inFolder(folder, () => installPublished(cifar10Archive, folder, { ...options, address }));
}
