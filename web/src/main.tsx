/** Starts the page. */
import { render } from "preact";
import { LiveStore } from "./live/live-store.ts";
import { preferredLanguage, preferredTheme } from "./address/preferences.ts";
import { App } from "./view/app.tsx";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/frame.css";
import "./styles/table.css";
import "./styles/detail.css";
import "./styles/panel.css";
import "./styles/map.css";
import "./styles/phone.css";

// Before the first paint, so that nothing flashes.
document.documentElement.dataset["theme"] = preferredTheme();
document.documentElement.lang = preferredLanguage();

const store = new LiveStore();
store.start();
const root = document.getElementById("app");
if (root !== null) render(<App store={store} />, root);
