import { type BigIntStats, fstatSync, statfsSync } from "node:fs";

/**
 * File systems whose times are of this machine's clock, by statfs(2): ext2 to ext4, XFS, Btrfs, F2FS, ZFS, bcachefs, tmpfs, overlayfs. Those of a
 * network, or of FUSE, have whatever clock they like, and tell of changes when they like.
 */
const LOCAL = new Set([0xef53, 0x58465342, 0x9123683e, 0xf2f52010, 0x2fc12fc1, 0xca451a4e, 0x01021994, 0x794c7630]);
/** The clock of file times goes in steps of up to 10 ms. */
const TICK = 100_000_000n;
const SECOND = 1_000_000_000n;

/**
 * Names contents by what the kernel says of their files, as git's index does: device, inode, size, and the times of the last change of content and
 * of anything, in nanoseconds. Nobody but the kernel sets the latter, so that a file that was changed has another name.
 *
 * Unless it is changed twice within a step of the clock, and read in between: so a file that was changed lately has no name, nor one that has a time of the future
 * ("racily clean": https://git-scm.com/docs/racy-git).
 */
export class StatNames {
  /** Nanoseconds since 1970. */
  readonly #now: bigint;
  readonly #isLocal = new Map<bigint, boolean>();

  /** @param now milliseconds since 1970, when none of the files had been read yet */
  constructor(now: number) {
    this.#now = BigInt(Math.floor(now)) * 1_000_000n;
  }

  /** The device of an open folder; null if files there have no names. */
  deviceOf(folder: number): bigint | null {
    const { dev } = fstatSync(folder, { bigint: true });
    let isLocal = this.#isLocal.get(dev);
    if (isLocal === undefined) {
      isLocal = LOCAL.has(statfsSync(`/proc/self/fd/${folder}`).type >>> 0);
      this.#isLocal.set(dev, isLocal);
    }
    return isLocal ? dev : null;
  }

  /** The name of a file's content; null if it has none. */
  nameOf(stat: BigIntStats, device: bigint): Buffer | null {
    // What is mounted upon a file may lie anywhere.
    if (!stat.isFile() || stat.dev !== device) return null;
    const { ctimeNs, mtimeNs } = stat;
    // Old ext file systems know whole seconds only.
    const step = ctimeNs % SECOND === 0n ? 2n * SECOND : TICK;
    const last = ctimeNs > mtimeNs ? ctimeNs : mtimeNs;
    return last < this.#now - step ? statName(stat) : null;
  }
}

/** All that the name of a file's content is made of, 40 bytes. */
export function statName({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): Buffer {
  return Buffer.from(BigInt64Array.of(dev, ino, size, mtimeNs, ctimeNs).buffer);
}
