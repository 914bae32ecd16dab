/**
 * The sample's `keyturn.yaml` for a database that is a file: no entrypoint needs a network then, and those that change something
 * need the folder of the file, as SQLite makes a journal beside it.
 */
import { isMap, parseDocument, type YAMLMap } from 'yaml';

/** Where the database that the live entrypoints write stands on the host of the demo. */
export const PRODUCTION_FOLDER = '/var/lib/production';

export function sqliteConfig(text: string): string {
  const document = parseDocument(text);
  const entrypoints = document.get('entrypoints');
  if (!isMap(entrypoints)) return text; // of a state that could not be run yet
  for (const { value } of entrypoints.items) {
    if (isMap(value)) adapt(value);
  }
  return document.toString({ lineWidth: 0 });
}

function adapt(entrypoint: YAMLMap): void {
  entrypoint.delete('network');
  if (entrypoint.get('live') === true) entrypoint.set('writable', [PRODUCTION_FOLDER]);
}
