/** Whether the version that a source declares is the release's: a leading `v` of either side says nothing. */
export function isSameVersion(declared: string, release: string): boolean {
  return withoutPrefix(declared) === withoutPrefix(release);
}

function withoutPrefix(version: string): string {
  return version.replace(/^v(?=\d)/i, '');
}
