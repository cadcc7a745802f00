import { fork } from "node:child_process";
import { existsSync } from "node:fs";
import { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { LaneError } from "../errors.ts";
import { BatchFile } from "./batch-file.ts";
import { type BatchStore, noStore } from "./batch-store.ts";
import type { Reply, Request } from "./protocol.ts";
import { SharedMemory } from "./shared-memory.ts";
import type { Isolation } from "./types.ts";

/** The line between the host and one lane. */
export interface Channel {
  /** Identifier of the process behind it; absent for a thread. */
  readonly pid?: number;
  /** Carries the images of the runs. */
  readonly batches: BatchStore;
  send(request: Request): void;
  /** Whether the lane keeps this process alive. */
  hold(held: boolean): void;
}

export interface ChannelEvents {
  reply(reply: Reply): void;
  /** Once, last; `reason` says why it died, and is absent when it ended in good order. */
  end(reason?: string): void;
}

/** Starts a lane's thread or process. */
export function openChannel(isolation: Isolation, events: ChannelEvents): Channel {
  const entry = workerEntry();
  return isolation === "thread" ? openThread(entry, events) : openProcess(entry, events);
}

/** The compiled worker: beside this file, or in `dist` when this file runs as TypeScript. */
function workerEntry(): URL {
  const source = import.meta.url.endsWith(".ts");
  const entry = new URL(source ? "../../dist/lanes/worker.js" : "./worker.js", import.meta.url);
  if (!existsSync(entry)) throw new LaneError(`${fileURLToPath(entry)} is missing: run "npm run build" first`);
  return entry;
}

function openThread(entry: URL, events: ChannelEvents): Channel {
  const worker = new Worker(entry, { execArgv: [] });
  let reason: string | undefined;
  worker.on("message", (reply: Reply) => events.reply(reply));
  worker.on("error", (error) => {
    reason = error instanceof Error ? error.message : String(error);
  });
  worker.on("exit", (code) => events.end(reason ?? (code === 0 ? undefined : `its thread exited with code ${code}`)));
  return {
    batches: new SharedMemory(),
    send: (request) => worker.postMessage(request, []),
    hold: (held) => (held ? worker.ref() : worker.unref()),
  };
}

function openProcess(entry: URL, events: ChannelEvents): Channel {
  const file = BatchFile.open();
  const child = fork(entry, {
    serialization: "advanced",
    execArgv: [],
    stdio: ["ignore", "ignore", "pipe", "ipc", file?.descriptor ?? "ignore"],
  });
  const errors = lastLines(child.stderr!);
  const exited = new Promise<string | undefined>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("exit", (code, signal) => resolve(code === 0 ? undefined : `its process ${howEnded(code, signal)}`));
  });
  const drained = new Promise((resolve) => child.on("disconnect", resolve));
  child.on("message", (message) => events.reply(message as Reply));
  void Promise.all([exited, drained])
    .finally(() => file?.close())
    .then(([reason]) => events.end(reason && reason + errors()));
  return {
    ...(child.pid !== undefined && { pid: child.pid }),
    batches: file ?? noStore,
    send: (request) => void (child.connected && child.send(request, () => {})),
    hold: (held) => {
      const handles = [child, child.channel, child.stderr instanceof Socket ? child.stderr : undefined];
      for (const handle of handles) handle?.[held ? "ref" : "unref"]();
    },
  };
}

const howEnded = (code: number | null, signal: NodeJS.Signals | null): string =>
  signal === null ? `exited with code ${code}` : `was killed by ${signal}`;

/** Keeps the end of what a process writes to its standard error. */
function lastLines(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    text = (text + chunk).slice(-500);
  });
  return () => (text.trim() === "" ? "" : `: ${text.trim()}`);
}
