/** The folder that a ceremony has filled: whether it is there, and closed to others. */
import { statSync } from 'node:fs';
import type { Diagnosis } from '../../../shared/service/doctor/examination.ts';
import { diagnosePrivacy } from '../../../shared/service/doctor/private-path.ts';
import type { DoctorContext } from './doctor-context.ts';

export function examineHomeFolder({ home, command }: DoctorContext): Diagnosis[] {
  // First, as it knows what to say of a folder that is closed to whoever asks.
  if (!home.exists()) {
    const found = statSync(home.folder, { throwIfNoEntry: false });
    const actual = found === undefined ? 'there is no such folder' : 'there is no trust/root.json in it';
    return [
      { level: 'trouble', statement: `${home.folder}: ${actual}`, mend: command('init', '--app', 'NAME') },
      { level: 'warning', statement: 'not examined without a home: keys, trust, certificates, control plane' },
    ];
  }
  const faults = diagnosePrivacy(home.folder, { kind: 'folder', whenReadable: 'warning' });
  return faults.length > 0 ? faults : [{ level: 'ok', statement: home.folder }];
}
