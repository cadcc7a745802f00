import { UsageError } from "../../../errors.ts";
import type { Followed } from "./follow.ts";
import type { ChannelGroup } from "./groups.ts";

/** Which units of a group stay. */
export interface Keep {
  readonly group: ChannelGroup;
  /** Indices of units, 0 to group.size - 1; all others go. */
  readonly keep: readonly number[];
}

/**
 * The units that go.
 *
 * @throws UsageError for a frozen group, a group of another model, a unit that the group does not have or that is named twice
 */
export function removedUnits(followed: Followed, keeps: readonly Keep[]): Set<number> {
  return new Set(
    keeps.flatMap(({ group, keep }) => {
      checkKeep(group, keep);
      const units = unitsOf(followed, group);
      return units.filter((_, index) => !keep.includes(index));
    }),
  );
}

function checkKeep(group: ChannelGroup, keep: readonly number[]): void {
  if (group.frozen !== undefined) {
    throw new UsageError(`group "${group.id}" is frozen: ${group.frozen}; remove channels of other groups`);
  }
  const wrong = keep.find((unit) => !Number.isInteger(unit) || unit < 0 || unit >= group.size);
  if (wrong !== undefined) {
    throw new UsageError(`group "${group.id}" has no unit ${wrong}; it has units 0 to ${group.size - 1}`);
  }
  if (new Set(keep).size < keep.length) {
    throw new UsageError(`units of group "${group.id}" are named twice: ${keep.join(", ")}; name each once`);
  }
}

/** The group's units as the model's tracks number them: all positions of a unit must be one there, too. */
function unitsOf({ tracks }: Followed, group: ChannelGroup): number[] {
  const layers = [...group.producers, ...group.consumers].map(({ channels }) => channels);
  return Array.from({ length: group.size }, (_, index) => {
    const found = layers.flatMap(({ value, axis, positions }) => {
      const track = tracks.axesOf(value)?.[axis];
      return positions[index]!.map((at) => (track && at < track.size ? tracks.unitOf(track, at) : undefined));
    });
    const [unit] = found;
    if (unit === undefined || found.some((other) => other !== unit)) {
      throw new UsageError(`group "${group.id}" is not of this model; find the groups again after every change`);
    }
    return unit;
  });
}
