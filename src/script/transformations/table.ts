import { encodingTransformations } from './encoding.ts'
import { csvTransformations, nameAddrTransformations, paramTransformations, viaTransformations } from './headers.ts'
import { networkTransformations } from './network.ts'
import { sdpTransformations } from './sdp.ts'
import { substitutionTransformations } from './substitution.ts'
import { textTransformations } from './text.ts'
import type { TransformationTable } from './transformation.ts'
import { uriTransformations } from './uri.ts'

/** Every transformation by class and name (script reference, transformations). */
export const TRANSFORMATIONS: Readonly<Record<string, TransformationTable>> = {
  s: { ...textTransformations, ...encodingTransformations },
  uri: uriTransformations,
  via: viaTransformations,
  nameaddr: nameAddrTransformations,
  param: paramTransformations,
  csv: csvTransformations,
  ip: networkTransformations,
  sdp: sdpTransformations,
  re: substitutionTransformations,
}
