// Preact with htm in the place of JSX: what every other file draws with.
import { createContext, h, render } from "../vendor/preact.js";
import htm from "../vendor/htm.js";

export const html = htm.bind(h);
export { createContext, render };
export {
  useCallback, useContext, useEffect, useErrorBoundary, useId, useMemo, useRef, useState,
} from "../vendor/hooks.js";
