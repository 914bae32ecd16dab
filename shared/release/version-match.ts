/** What stands behind the declared version of a release that no tag names: the beginning of its commit id. */
const COMMIT_SUFFIX = /-g[0-9a-f]{12}$/;

/** How many digits of the commit id: two commits of one repository never share them. */
const COMMIT_DIGITS = 12;

/** The version of a release that no tag names. */
export function untaggedVersion(declared: string, commit: string): string {
  return `${declared}-g${commit.slice(0, COMMIT_DIGITS)}`;
}

/**
 * Whether the version that a source declares is the release's. A leading `v` of either side says nothing, nor does the
 * commit behind an untagged release's version.
 */
export function isSameVersion(declared: string, release: string): boolean {
  const said = withoutPrefix(declared);
  const named = withoutPrefix(release);
  return said === named || said === named.replace(COMMIT_SUFFIX, '');
}

function withoutPrefix(version: string): string {
  return version.replace(/^v(?=\d)/i, '');
}
