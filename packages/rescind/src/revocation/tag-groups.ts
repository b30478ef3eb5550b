/**
 * The part of an index that most lookups end at: a tag of 8 bits for each slot. A lookup compares the tags of four slots
 * at once, a group, and ends at a group that has a free slot. So it touches one byte for each slot that there is, and the
 * tags of ten million ids fit into a processor's cache.
 */
export const GROUP_SLOTS = 4

/** The tag of a slot that never held anything, or that no search has to pass. Searches end there. */
export const FREE = 0
/** The tag of a slot that may be taken again, but that searches have to pass. */
export const DEAD = 1

const EACH_BYTE = 0x01010101

/** The tag of a place, from bits of it that the directory of a table does not use: from 2 to 255. */
export function tagOf(place: number): number {
  return (Math.imul((place >>> 8) & 0xff, 254) >>> 8) + 2
}

/** The group where the search for a key begins. There have to be fewer than 2^15 groups, or the product overflows. */
export function firstGroup(slotHash: number, groups: number): number {
  return Math.imul(slotHash >>> 15, groups) >>> 17
}

/** True for a group that has a free slot. */
export function hasFree(tags: number): boolean {
  return hasZeroByte(tags)
}

/** False when no key with these hashes is among the slots. */
export function mayHold(tagGroups: Int32Array, place: number, slotHash: number): boolean {
  const wanted = Math.imul(tagOf(place), EACH_BYTE)
  let group = firstGroup(slotHash, tagGroups.length)
  for (;;) {
    const tags = tagGroups[group] ?? 0
    if (hasZeroByte(tags ^ wanted)) return true
    if (hasZeroByte(tags)) return false
    group = group + 1 === tagGroups.length ? 0 : group + 1
  }
}

function hasZeroByte(word: number): boolean {
  return ((word - EACH_BYTE) & ~word & (EACH_BYTE << 7)) !== 0
}
