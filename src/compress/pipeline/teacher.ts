import { readBytes, writeWhole } from "../../files.ts";
import { type Dataset, mirrored, type TeacherLogits } from "../../train/index.ts";
import { logitsOf, topClasses } from "../../twin/index.ts";
import { answersTo } from "./answers.ts";
import { type Compression, counted } from "./context.ts";

/** The original's logits on the training images, and on their mirror images where training mirrors; kept in the work folder. */
export async function teacherLogits(compression: Compression): Promise<TeacherLogits> {
  const { training, flip, original } = compression;
  const { classes } = original.entry.output;
  const plain = await logitsOnce("teacher", training, compression);
  if (!flip) return { classes, plain };
  return { classes, plain, mirrored: await logitsOnce("teacher-mirrored", mirrored(training), compression) };
}

async function logitsOnce(step: string, data: Dataset, compression: Compression): Promise<Float32Array> {
  const { work, original, signal, onProgress } = compression;
  const file = work.file(`${step}.f32`);
  await work.once(step, async () => {
    const advance = counted(onProgress, "asking the original", data.labels.length);
    const answers = await answersTo(data, false, [original.network], { signal, onProgress: advance });
    const { data: logits } = logitsOf(answers, "original");
    await writeWhole(file, new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength));
  });
  return floats(await readBytes(file, "delete the work folder and start anew"));
}

const floats = (bytes: Uint8Array): Float32Array => new Float32Array(bytes.slice().buffer);

/** The images with what the original says of them; without true labels, its answers stand for them. */
export function taught(data: Dataset, teacher: TeacherLogits, labelled: boolean): Dataset {
  if (labelled) return { ...data, teacher };
  const { plain, classes } = teacher;
  const labels = Uint16Array.from(topClasses({ data: plain, count: data.labels.length, classes }));
  return { ...data, labels, teacher };
}
