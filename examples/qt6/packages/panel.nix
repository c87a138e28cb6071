# The application, built with nixpkgs' Qt 6.
{ pkgs, ... }:
pkgs.stdenv.mkDerivation {
  pname = "panel";
  version = "1.0";
  src = ../app;
  nativeBuildInputs = [ pkgs.cmake pkgs.ninja pkgs.qt6.wrapQtAppsHook ];
  buildInputs = [ pkgs.qt6.qtbase pkgs.qt6.qtdeclarative pkgs.qt6.qtwayland ];
}
