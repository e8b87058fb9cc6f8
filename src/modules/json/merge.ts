import { isObject, type Json } from './json-value.ts'

/** The first value changed by the second one: members are replaced, and removed by null (RFC 7396). */
export function mergePatch(target: Json, patch: Json): Json {
  if (!isObject(patch)) return patch
  const merged = new Map(isObject(target) ? target : [])
  for (const [name, value] of patch) {
    if (value === null) merged.delete(name)
    else merged.set(name, mergePatch(merged.get(name) ?? null, value))
  }
  return merged
}
