/**
 * Shares a topic's partitions between the members of a group: evenly, and moving as few as possible. Pure.
 *
 * Members keep their state in memory, so a partition that stays costs nothing and one that moves costs a restore.
 */

export interface GroupMember {
  readonly memberId: string;
  /** Partitions it holds now. */
  readonly owned: readonly number[];
  /** The generation in which it was given them: of two claims the newer one counts. */
  readonly generationId: number;
}

/** @returns partitions per member id, ascending */
export function assignPartitions(
  partitionCount: number,
  members: readonly GroupMember[],
): ReadonlyMap<string, readonly number[]> {
  const sorted = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const assigned = new Map<string, number[]>(sorted.map((member) => [member.memberId, []]));
  if (sorted.length === 0) return assigned;
  const owner = new Map<number, GroupMember>();
  for (const member of sorted)
    for (const partition of member.owned) {
      if (partition >= partitionCount) continue;
      const other = owner.get(partition);
      if (other === undefined || other.generationId < member.generationId) owner.set(partition, member);
    }
  // Those who hold most keep the larger shares, when partitions do not divide evenly.
  const held = (member: GroupMember): number => [...owner.values()].filter((each) => each === member).length;
  const byHeld = [...sorted].sort((a, b) => held(b) - held(a));
  const least = Math.floor(partitionCount / sorted.length);
  const larger = partitionCount % sorted.length;
  const quota = new Map(byHeld.map((member, index) => [member.memberId, least + (index < larger ? 1 : 0)]));
  const free: number[] = [];
  for (let partition = 0; partition < partitionCount; partition += 1) {
    const member = owner.get(partition);
    const list = member === undefined ? undefined : assigned.get(member.memberId);
    if (member !== undefined && list !== undefined && list.length < (quota.get(member.memberId) ?? 0))
      list.push(partition);
    else free.push(partition);
  }
  for (const [memberId, list] of assigned) {
    while (list.length < (quota.get(memberId) ?? 0)) list.push(free.shift() ?? 0);
    list.sort((a, b) => a - b);
  }
  return assigned;
}
