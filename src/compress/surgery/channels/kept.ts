import { UsageError } from "../../../errors.ts";
import type { Followed } from "./follow.ts";
import type { ChannelGroup } from "./groups.ts";
import type { Axis } from "./tracks.ts";

/** Which units of a group stay. */
export interface Keep {
  readonly group: ChannelGroup;
  /** Indices of units, 0 to group.size - 1; all others go. */
  readonly keep: readonly number[];
}

/**
 * The units that go.
 *
 * @throws UsageError for a frozen group, a group of another model, a unit that the group does not have, a unit named twice
 */
export function removedUnits(followed: Followed, keeps: readonly Keep[]): Set<number> {
  return new Set(
    keeps.flatMap(({ group, keep }) => {
      checkKeep(group, keep);
      const axis = axisOf(followed, group);
      const kept = new Set(keep);
      const positions = group.producers[0]!.channels.positions.filter((_, unit) => !kept.has(unit));
      return positions.map(([position]) => followed.tracks.unitOf(axis, position!));
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
    throw new UsageError(`units to keep of group "${group.id}" are named twice: ${keep.join(", ")}; name each once`);
  }
}

/** The axis that the group's first producer writes. */
function axisOf({ tracks }: Followed, group: ChannelGroup): Axis {
  const { value, axis, positions } = group.producers[0]!.channels;
  const found = tracks.axesOf(value)?.[axis];
  if (found === undefined || positions.flat().some((position) => position >= found.size)) {
    throw new UsageError(`group "${group.id}" is not of this model; find its groups again after every change`);
  }
  return found;
}
