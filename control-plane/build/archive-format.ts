/** The numbers of ustar and pax that writer and reader share. */
export const BLOCK_BYTES = 512;
export const NAME_BYTES = 100;
export const PREFIX_BYTES = 155;
/** The largest size that eleven octal digits can say. */
export const USTAR_SIZE_LIMIT = 0o77777777777;

export interface ArchiveHeader {
  readonly type: 'file' | 'symlink' | 'pax';
  readonly name: Buffer;
  readonly prefix: Buffer;
  readonly linkName: Buffer;
  readonly mode: number;
  readonly size: number;
  /** Seconds since 1970. */
  readonly modifiedAt: number;
}

export const TYPE_FLAGS: Readonly<Record<ArchiveHeader['type'], string>> = { file: '0', symlink: '2', pax: 'x' };

/** How many bytes fill the last block. */
export function paddingOf(size: number): number {
  return (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;
}

/** The sum of a header's bytes, its own field taken as spaces. */
export function checksumOf(block: Uint8Array): number {
  return block.reduce((sum, byte, index) => sum + (index >= 148 && index < 156 ? 0x20 : byte), 0);
}
