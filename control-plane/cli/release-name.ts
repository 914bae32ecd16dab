import { APP_PATTERN, VERSION_PATTERN } from '../../shared/release/release-statement.ts';
import { UsageError } from '../../shared/service/failure.ts';

export interface ReleaseName {
  readonly app: string;
  readonly version: string;
}

/** Reads `NAME@VERSION`. Errors: `UsageError`. */
export function parseReleaseName(text: string): ReleaseName {
  const [app = '', version = '', ...rest] = text.split('@');
  if (rest.length === 0 && APP_PATTERN.test(app) && VERSION_PATTERN.test(version)) return { app, version };
  throw new UsageError(`release "${text}": expected NAME@VERSION, such as iu-cutter@v0.6`);
}
