import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Console } from "./shell/console";
import "./styles.css";

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <Console />
  </StrictMode>,
);
