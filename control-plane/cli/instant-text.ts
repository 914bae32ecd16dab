/** An instant as people read it, in UTC: `2026-11-22 14:00:05 UTC`. */
export function instantText(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
