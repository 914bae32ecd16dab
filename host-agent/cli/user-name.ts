import { userInfo } from 'node:os';

/** Who has typed this, as far as the system knows; for the record, not for a decision. */
export function userName(): string {
  const behind = process.env.SUDO_USER;
  return (behind ? `${ownName()} (${behind} by sudo)` : ownName()).slice(0, 253);
}

function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`; // the system has no name for it
  }
}
