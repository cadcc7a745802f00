import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { createPreprocessor } from "../data/index.ts";
import { InputError, jsonProblem, ManifestError, TwinError, UsageError } from "../errors.ts";
import {
  type Contents,
  isSystemError,
  readBytes,
  removeEmpty,
  unwritable,
  writeAllWhole,
  writeWhole,
} from "../files.ts";
import type { Network, NetworkName } from "../lanes/types.ts";
import type { AdmittedNetwork } from "./admit.ts";
import { sha256Of } from "./hash.ts";
import { filesOf, type Manifest, type ManifestFile, parseManifest, refuseChange } from "./manifest.ts";

/** A twin on disk: its folder and the checked manifest. */
export interface TwinFolder {
  readonly path: string;
  readonly manifest: Manifest;
}

/** Reads a twin's manifest and proves that every file it names is the one it was made with. Throws ManifestError. */
export async function readTwin(path: string): Promise<TwinFolder> {
  const file = join(path, "twin.json");
  if (!existsSync(file)) {
    throw new ManifestError(`${path}: is no twin, it holds no twin.json; make one with "twindnn pair"`);
  }
  const manifest = parseManifest(parseJson(await readBytes(file, "check its permissions"), file), file);
  await Promise.all(filesOf(manifest).map((entry) => proveHash(path, entry)));
  return { path, manifest };
}

/** Reads a twin that is about to be changed. Throws ManifestError as `readTwin`, and for a manifest of a later version. */
export async function readTwinToChange(path: string): Promise<TwinFolder> {
  const folder = await readTwin(path);
  refuseChange(folder.manifest, path);
  return folder;
}

function parseJson(bytes: Uint8Array, file: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new ManifestError(`${file}: is not valid JSON (${jsonProblem(cause)}); restore it or make the twin again`, {
      cause,
    });
  }
}

async function proveHash(folder: string, entry: ManifestFile): Promise<void> {
  const path = join(folder, entry.file);
  const found = sha256Of(await readBytes(path, "restore it or make the twin again"));
  if (found === entry.sha256) return;
  throw new ManifestError(
    `${path}: has SHA-256 ${found.slice(0, 12)}..., the manifest says ${entry.sha256.slice(0, 12)}...; restore the file or make the twin again`,
  );
}

/** A file of a twin by its name, and its bytes. */
export interface TwinFile {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** What a manifest says of a file. */
export const hashed = ({ file, bytes }: TwinFile): ManifestFile => ({ file, sha256: sha256Of(bytes) });

/** Replaces a twin's manifest and files that it names, all or none. */
export async function updateTwin(path: string, manifest: Manifest, files: readonly TwinFile[] = []): Promise<void> {
  const contents = new Map<string, Contents>(files.map(({ file, bytes }) => [join(path, file), bytes]));
  await writeAllWhole(contents.set(join(path, "twin.json"), `${JSON.stringify(manifest, null, 2)}\n`));
}

/**
 * Makes a twin folder, whole or not at all: everything is written to a folder beside it, which is then renamed.
 * Throws UsageError when `path` exists and `replace` is not set, or is no twin.
 */
export async function createTwin(
  path: string,
  manifest: Manifest,
  files: ReadonlyMap<string, Uint8Array>,
  { replace = false } = {},
): Promise<void> {
  refuseExisting(path, replace);
  const target = resolve(path);
  const staging = join(dirname(target), `.${basename(target)}-${process.pid}`);
  let made: string | undefined;
  try {
    made = await mkdir(staging, { recursive: true });
    for (const [name, bytes] of files) await writeWhole(join(staging, name), bytes);
    await updateTwin(staging, manifest);
    if (replace) await rm(target, { recursive: true, force: true });
    await rename(staging, target);
  } catch (cause) {
    await rm(staging, { recursive: true, force: true });
    if (made !== undefined) await removeEmpty(dirname(target), made);
    const reason = cause instanceof InputError && isSystemError(cause.cause) ? cause.cause : cause;
    throw reason instanceof TwinError ? reason : unwritable(path, reason);
  }
}

/** Moves a twin to another place, whole or not at all. Throws UsageError when that is taken and `replace` is not set. */
export async function moveTwin(from: string, to: string, { replace = false } = {}): Promise<void> {
  const { manifest, path } = await readTwinToChange(from);
  const read = async ({ file }: ManifestFile) =>
    [file, await readBytes(join(path, file), "make the twin again")] as const;
  await createTwin(to, manifest, new Map(await Promise.all(filesOf(manifest).map(read))), { replace });
  await rm(from, { recursive: true, force: true });
}

/** Refuses to write over something that is there. */
export function refuseExisting(path: string, replace: boolean): void {
  if (!existsSync(path)) return;
  if (!replace) throw new UsageError(`${path} exists already; choose another -o, or add --force to replace it`);
  if (!existsSync(join(path, "twin.json"))) {
    throw new UsageError(`${path} exists and is no twin; choose another -o (--force replaces twins only)`);
  }
}

/** A network of the twin as a lane loads it. Throws ManifestError when the twin has none of that name. */
export function networkOf({ path, manifest }: TwinFolder, name: NetworkName): Network {
  const entry = manifest.networks[name];
  if (entry === undefined)
    throw new ManifestError(`${path}: has no network "${name}"; calibrate with --second ${name} first`);
  const { normalisation } = createPreprocessor(manifest.preprocessing);
  const { input, output, fixedBatch } = entry;
  const network = { name, file: join(path, entry.file), input, output, normalisation };
  return fixedBatch === undefined ? network : { ...network, fixedBatch };
}

/** Adds a network to a twin, or replaces it. Throws ManifestError for a manifest of a later version. */
export async function addNetwork(
  folder: TwinFolder,
  name: "original-int8",
  { entry, bytes }: AdmittedNetwork,
): Promise<TwinFolder> {
  refuseChange(folder.manifest, folder.path);
  const manifest = { ...folder.manifest, networks: { ...folder.manifest.networks, [name]: entry } };
  await updateTwin(folder.path, manifest, [{ file: entry.file, bytes }]);
  return { path: folder.path, manifest };
}

/** Takes back what `addNetwork` added to `before`. */
export async function removeNetwork(before: TwinFolder, added: TwinFolder, name: "original-int8"): Promise<void> {
  await updateTwin(before.path, before.manifest);
  await rm(join(before.path, added.manifest.networks[name]!.file), { force: true });
}
