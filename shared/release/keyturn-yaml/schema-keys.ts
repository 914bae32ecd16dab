import type { z } from 'zod';

/** The parts of zod's definitions that lead from a schema to the one of a member. */
interface Definition {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly options?: readonly z.ZodType[];
}

/** The keys that the object schema at `path` knows; none where there is no object schema. */
export function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  const [key, ...rest] = path;
  const found = objectsOf(schema).flatMap((definition) => {
    if (key === undefined) return Object.keys(definition.shape ?? {});
    const member = definition.shape?.[String(key)] ?? definition.valueType ?? definition.element;
    return member ? keysAt(member, rest) : [];
  });
  return [...new Set(found)];
}

/** The definitions of containers behind optional, default, union and pipe. */
function objectsOf(schema: z.ZodType): Definition[] {
  const definition = schema._zod.def as unknown as Definition;
  if (definition.options) return definition.options.flatMap(objectsOf);
  const inner = definition.innerType ?? definition.in;
  return inner ? objectsOf(inner) : [definition];
}
