// Shows Main.qml; title and colour come from the environment, as the module sets them.
#include <QGuiApplication>
#include <QQmlApplicationEngine>

int main(int argc, char *argv[]) {
  QGuiApplication application(argc, argv);
  QQmlApplicationEngine engine;
  engine.setInitialProperties({
      {"heading", qEnvironmentVariable("PANEL_TITLE", "Panel")},
      {"background", qEnvironmentVariable("PANEL_COLOUR", "#3366cc")},
  });
  QObject::connect(
      &engine, &QQmlApplicationEngine::objectCreationFailed, &application,
      [] { QCoreApplication::exit(1); }, Qt::QueuedConnection);
  engine.loadFromModule("Panel", "Main");
  return application.exec();
}
