import { readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { UsageError } from "../../errors.ts";
import { isSystemError } from "../../files.ts";

/** Names the process that works in a folder. */
export const claimFile = "running.pid";

/** Folders that runs of this process work in. */
const claimedHere = new Set<string>();

/**
 * Claims a folder for one run until the claim is disposed of. A claim whose process is gone counts for nothing.
 *
 * @throws UsageError when another run works in the folder
 */
export async function claimFolder(path: string): Promise<AsyncDisposable> {
  const folder = resolve(path);
  const file = join(folder, claimFile);
  if (!(await writeClaim(file))) {
    await refuseRunning(folder, file);
    await rm(file, { force: true });
    if (!(await writeClaim(file))) await refuseRunning(folder, file);
  }
  claimedHere.add(folder);
  return {
    [Symbol.asyncDispose]: async () => {
      claimedHere.delete(folder);
      await rm(file, { force: true });
    },
  };
}

/** Whether there was no claim yet. */
async function writeClaim(file: string): Promise<boolean> {
  try {
    await writeFile(file, `${process.pid}\n`, { flag: "wx" });
    return true;
  } catch (error) {
    if (isSystemError(error) && error.code === "EEXIST") return false;
    throw error;
  }
}

async function refuseRunning(folder: string, file: string): Promise<void> {
  const owner = Number(await readFile(file, "utf8").catch(() => ""));
  const running = owner === process.pid ? claimedHere.has(folder) : isAlive(owner);
  if (!running) return;
  throw new UsageError(
    `${folder}: process ${owner} works in it; wait for it, or give another --work (if that process is no such run, delete ${file})`,
  );
}

function isAlive(id: number): boolean {
  if (!Number.isInteger(id) || id <= 0) return false;
  try {
    return process.kill(id, 0);
  } catch (error) {
    return isSystemError(error) && error.code === "EPERM";
  }
}
