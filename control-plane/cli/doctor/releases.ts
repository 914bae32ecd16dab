/** How many releases are published: a role of the trust metadata lists so many and no more. */
import { LIMITS } from '../../../shared/limits.ts';
import type { Diagnosis } from '../../../shared/service/doctor/examination.ts';
import type { DoctorContext } from './doctor-context.ts';

const LIMIT = LIMITS.targetsPerRoleCount;
const NEARLY = (LIMIT * 3) / 4;

export async function examineReleases({ door }: DoctorContext): Promise<Diagnosis[]> {
  const asked = await door.ask(({ client }) => client.listReleases({}));
  return 'diagnosis' in asked ? [asked.diagnosis] : diagnoseReleases(asked.answer.releases);
}

export function diagnoseReleases(releases: readonly { readonly app: string }[]): Diagnosis[] {
  const byApp = Map.groupBy(releases, ({ app }) => app);
  if (byApp.size === 0) return [{ level: 'ok', statement: 'none is published' }];
  return [...byApp].map(([app, { length }]): Diagnosis => {
    const statement = `${app}: ${length} of at most ${LIMIT} are published`;
    if (length >= LIMIT) return { level: 'trouble', statement: `${statement}, a further one is refused` };
    return { level: length >= NEARLY ? 'warning' : 'ok', statement };
  });
}
