import { RejectedError } from '../../shared/errors.ts';
import { VERSION_PATTERN } from '../../shared/release/release-statement.ts';
import { untaggedVersion } from '../../shared/release/version-match.ts';

const TAG_PREFIX = 'refs/tags/';

export interface VersionSources {
  readonly requested: string | undefined;
  readonly ref: string;
  readonly declared: string | undefined;
  readonly commit: string;
}

/**
 * The release's version: as requested, or the tag's name, or what the source declares with the commit behind it. It is
 * never changed to fit. Errors: `RejectedError('version-malformed')`.
 */
export function decideVersion({ requested, ref, declared, commit }: VersionSources): string {
  if (requested !== undefined) return checked(requested, 'the requested version');
  if (ref.startsWith(TAG_PREFIX)) return checked(ref.slice(TAG_PREFIX.length), `the name of the tag`);
  return checked(untaggedVersion(declared ?? '0.0.0', commit), 'the declared version with the commit');
}

function checked(version: string, what: string): string {
  if (VERSION_PATTERN.test(version)) return version;
  throw new RejectedError(
    'version-malformed',
    `failed to name the release: ${what} is ${JSON.stringify(version.slice(0, 128))}, expected to match ${VERSION_PATTERN}`,
    {
      hint: 'name the version of the release yourself with --version: lower-case letters, digits, ".", "_" and "-", at most 63',
    },
  );
}
