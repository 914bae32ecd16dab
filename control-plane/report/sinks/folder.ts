import { join } from 'node:path';
import { makeDirectory, writeFilesAtomic } from '../../../shared/store/atomic-file.ts';
import type { ReportSet, ReportSink } from './sink.ts';

/** Writes each set to `<folder>/<app>-<version>/<run>/`; a file is there as a whole or not at all. */
export function folderSink(folder: string): ReportSink {
  return {
    kind: 'folder',
    location: folder,
    take: async (set) => {
      const target = join(folder, setFolder(set));
      makeDirectory(target);
      await writeFilesAtomic(target, set.files);
    },
  };
}

/** Where a set goes below a sink's root: one folder for each run, whose names come from signed documents. */
export function setFolder({ app, version, run }: ReportSet): string {
  const segments = [`${app}-${version}`, run];
  const unsafe = segments.find((segment) => !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(segment));
  if (unsafe !== undefined) throw new Error(`failed to place the report: "${unsafe}" is no folder name`);
  return segments.join('/');
}
