/** Paths inside an installed tree, as plans write them. */
import { z } from 'zod';
import { LIMITS } from '../../limits.ts';

/** Relative, normalised, POSIX. That no symbolic link leads it elsewhere is for the host to see. */
export const treePathSchema = z
  .string()
  .min(1)
  .max(LIMITS.pathBytes)
  .refine(isTreePath, 'expected a relative path without "..", "." and empty segments');

/** What stands at a path inside a tree; `beyond-link`: a folder of the path is a symbolic link, which is not followed. */
export const PATH_OCCUPANTS = ['file', 'folder', 'symlink', 'special', 'nothing', 'beyond-link'] as const;
export const occupantSchema = z.enum(PATH_OCCUPANTS);
export type PathOccupant = z.infer<typeof occupantSchema>;

function isTreePath(path: string): boolean {
  const segments = path.split('/');
  if (path.includes('\0') || segments.length > LIMITS.pathDepth) return false;
  return segments.every((segment) => segment !== '' && segment !== '.' && segment !== '..' && isShort(segment));
}

function isShort(segment: string): boolean {
  return Buffer.byteLength(segment) <= LIMITS.pathSegmentBytes;
}
