import { systemCodeOf } from '../errors.ts';

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'free space or inodes on this file system; nothing was installed',
  EDQUOT: 'raise the quota of the user that the agent runs as; nothing was installed',
  EROFS: 'the file system is read-only: mount it writable, or change the install root',
  EXDEV: 'staging and the install root must be one file system: unmount what is mounted on or below the install root',
  EACCES: 'the agent needs to write to the install root',
  EPERM: 'the agent needs to own the install root; look for an immutable flag',
  EMFILE: 'raise the limit of open files of the agent',
};

/** What to do about a system error, found in `error` or in its causes; undefined where there is nothing to say. */
export function diskHint(error: unknown): string | undefined {
  const code = systemCodeOf(error);
  if (code !== undefined && code in HINTS) return HINTS[code];
  return error instanceof Error && error.cause !== undefined ? diskHint(error.cause) : undefined;
}
