import QtQuick
import QtQuick.Controls

ApplicationWindow {
  id: window
  property string heading
  property color background
  property int touches: 0

  visible: true
  visibility: Window.FullScreen
  color: background

  Column {
    anchors.centerIn: parent
    spacing: 24
    Label { text: window.heading; color: "white"; font.pixelSize: 64 }
    Button { text: qsTr("Touched %n time(s)", "", window.touches); onClicked: window.touches += 1 }
  }
}
