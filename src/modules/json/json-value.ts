/** A number that is no integer: as it was written. */
export interface JsonFloat {
  readonly float: string
}
export type JsonObject = Map<string, Json>
/** A JSON value. Objects keep the order of their members; integers that no number holds exactly are bigints. */
export type Json = null | boolean | string | number | bigint | JsonFloat | Json[] | JsonObject

export const isObject = (json: Json | undefined): json is JsonObject => json instanceof Map
export const isArray = (json: Json | undefined): json is Json[] => Array.isArray(json)
/** Object or array: what has places to write to. */
export const isContainer = (json: Json | undefined): json is Json[] | JsonObject => isObject(json) || isArray(json)
